//! Keeps landing reports in a database of its own. Uses Express 4, to show that either version will do.

import { createPlugin, type Database } from "@skyvexsoftware/stratos-sdk/helpers";
import express, { Router } from "express";

type Report = { id: number; flight_id: string; landing_rate: number; created_at: string };

function open(db: Database) {
  db.exec(`
    CREATE TABLE IF NOT EXISTS reports (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      flight_id TEXT NOT NULL,
      landing_rate REAL,
      created_at TEXT DEFAULT (datetime('now'))
    )
  `);
  const insert = db.prepare("INSERT INTO reports (flight_id, landing_rate) VALUES (?, ?)");
  const newest = db.prepare<Report>("SELECT * FROM reports ORDER BY id DESC LIMIT ?");
  return {
    add: (flight: string, rate: number) => insert.run(flight, rate).lastInsertRowid,
    newest: (count: number) => newest.all(count),
  };
}

let db: Database | undefined;

export default createPlugin({
  async onStart(ctx) {
    db = ctx.database.open("landing-reports.db");
    const reports = open(db);
    const router = Router();
    router.use(express.json({ limit: "16kb" }));

    router.get("/", (_req, res) => {
      res.json({ reports: "/api/landing-reports/reports", add: "POST {flightId, landingRate} there" });
    });

    router.get("/reports", (req, res) => {
      res.json(reports.newest(Math.min(Number(req.query["count"] ?? 20) || 20, 100)));
    });

    router.post("/reports", (req, res) => {
      const { flightId, landingRate } = (req.body ?? {}) as { flightId?: unknown; landingRate?: unknown };
      if (typeof flightId !== "string" || typeof landingRate !== "number") {
        res.status(400).json({ error: "send {flightId: string, landingRate: number}" });
        return;
      }
      res.status(201).json({ id: reports.add(flightId, landingRate) });
    });

    ctx.server.registerRouter("/api/landing-reports", router);
    ctx.logger.info("DB", `Found ${reports.newest(100).length} landing reports`);
  },

  async onStop() {
    db?.close();
  },
});

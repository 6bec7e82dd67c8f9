//! Talks to the airline's API with the host's sign-in. The client is made once; base URL and bearer are looked up at each
//! request, and a 401 is answered by one renewal and one more try.

import { createPlugin, type AxiosInstance } from "@skyvexsoftware/stratos-sdk/helpers";

let va: AxiosInstance;

export default createPlugin({
  async onStart(ctx) {
    va = ctx.airline.createClient();

    ctx.server.registerRouter("/api/airline-client", async (_req, res) => {
      const airline = await ctx.airline.getCurrent();
      if (!airline) {
        res.status(503).json({ error: "no airline is bound; `outboard airline set ID URL` binds one" });
        return;
      }
      const { data } = await va.get<{ pilotID: string }>("/pilot/verify");
      res.json({ airline: airline.id, pilot: data.pilotID });
    });

    ctx.ipc.handle("file-pirep", async (flight: string, arrival: string) => {
      const { data } = await va.post<{ id: number }>("/pireps", { flight_number: flight, arrival });
      ctx.logger.info("Airline", `Filed PIREP ${data.id}`);
      return data.id;
    });

    ctx.airline.onChange((airline) => ctx.logger.info("Airline", airline ? `Bound to ${airline.id}` : "Bound to none"));
  },

  async onStop() {
    // axios instances need no teardown
  },
});

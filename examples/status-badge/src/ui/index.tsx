//! The badge: asks once, then listens.

import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
import { useEffect, useState } from "react";

type Status = { connected: boolean; pilots: number; since: Date };

export default function StatusBadge() {
  const { socket, invoke, state } = usePluginContext();
  const [status, setStatus] = useState<Status>();

  useEffect(() => {
    const listen = (payload: unknown) => setStatus(payload as Status);
    socket.on("status-update", listen);
    return () => socket.off("status-update", listen);
  }, [socket]);

  // Once more after each restart of the plugin: what it pushed meanwhile was not for us.
  useEffect(() => {
    if (state === "running") invoke<Status>("get-status").then(setStatus, () => {});
  }, [state]);

  if (!status) return <p>Waiting for the first status…</p>;
  return (
    <p>
      <span data-testid="badge">{status.connected ? "online" : "offline"}</span> · {status.pilots} pilots · since{" "}
      {status.since.toLocaleTimeString()}{" "}
      <button onClick={() => void invoke("set-connected", !status.connected)}>{status.connected ? "Go offline" : "Go online"}</button>
    </p>
  );
}

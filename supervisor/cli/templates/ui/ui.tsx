import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
import { useEffect, useState } from "react";

export default function Plugin() {
  const { socket, invoke, state } = usePluginContext();
  const [greeting, setGreeting] = useState("…");
  const [count, setCount] = useState(0);

  useEffect(() => {
    const listen = (payload: unknown) => setCount(Number(payload));
    socket.on("count", listen);
    return () => socket.off("count", listen);
  }, [socket]);

  useEffect(() => {
    if (state === "running") invoke<string>("greet", "you").then(setGreeting, (error: Error) => setGreeting(error.message));
  }, [state, invoke]);

  return (
    <main>
      <h1>{greeting}</h1>
      <p>{count} s since the plugin started</p>
    </main>
  );
}

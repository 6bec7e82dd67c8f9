//! The list of aircraft, fetched from the background module's route.

import { useQuery } from "@tanstack/react-query";
import { STRATOS_APP_BASE } from "@skyvexsoftware/stratos-sdk";

type Aircraft = { id: string; name: string };

export default function FleetList() {
  const { data, error, isLoading } = useQuery({
    queryKey: ["fleet"],
    queryFn: async (): Promise<Aircraft[]> => {
      const response = await fetch(`${STRATOS_APP_BASE}/api/fleet/fleet`);
      const body = (await response.json()) as { data?: Aircraft[]; error?: string };
      if (!response.ok) throw new Error(body.error ?? `the plugin answered ${response.status}`);
      return body.data ?? [];
    },
  });

  if (isLoading) return <p>Loading...</p>;
  if (error) return <p role="alert">{error.message}</p>;
  return <ul>{data?.map((f) => <li key={f.id}>{f.name}</li>)}</ul>;
}

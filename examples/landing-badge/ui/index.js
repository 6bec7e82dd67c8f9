//! The last landing. No build and no JSX: the page has React and the hooks.

import { Card, CardContent, CardHeader, CardTitle, useLandingAnalysis } from "@skyvexsoftware/stratos-sdk";
import { createElement as h } from "react";

export default function LandingBadge() {
  const { landingRate, bounceCount, isLoading } = useLandingAnalysis();
  const words = isLoading ? "Waiting for a flight…" : landingRate === null ? "No landing yet." : `${landingRate} ft/min, ${bounceCount === 1 ? "1 bounce" : `${bounceCount} bounces`}`;
  return h("main", { style: { padding: "1rem" } }, h(Card, null, h(CardHeader, null, h(CardTitle, null, "The last landing")), h(CardContent, null, words)));
}

//! A link to a place in the page, which is an ordinary address for a browser that opens it elsewhere.

import type { ComponentProps, ReactNode } from "react";
import { addressOf, go, type Place } from "./address.js";

interface PlaceLinkProps extends ComponentProps<"a"> {
  place: Place;
  /** It was followed within the page. */
  onFollowed?: () => void;
}

/** The link. */
export function PlaceLink({ place, onFollowed, ...rest }: PlaceLinkProps): ReactNode {
  return (
    <a
      {...rest}
      href={addressOf(place)}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(place);
        onFollowed?.();
      }}
    />
  );
}

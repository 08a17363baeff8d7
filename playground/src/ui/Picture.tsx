/** A picture, or a sentence in its place where the browser cannot show such a file (TIFF, HEIC). */

import { useState } from "preact/hooks";

interface Props {
  src: string;
  /** Empty for a picture that adds nothing to the words around it. */
  alt: string;
  /** Called where the picture cannot be shown. */
  onFail?: () => void;
}

export function Picture({ src, alt, onFail }: Props) {
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === src) {
    return <span class="not-shown">This browser cannot show the file. The model can read it.</span>;
  }
  const fail = () => {
    setFailed(src);
    onFail?.();
  };
  return <img src={src} alt={alt} onError={fail} />;
}

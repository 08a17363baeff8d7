/** Pictures and image sets on the server. */

import { send } from "./request";
import type { ImageSet, StoredImage } from "./types";

/** Store a picture, and return its id and size. Throws Problem if it is none that can be read. */
export async function storeImage(file: Blob, name: string): Promise<StoredImage> {
  const form = new FormData();
  form.append("image", file, name);
  const response = await send("v1/images", { method: "POST", body: form });
  return (await response.json()) as StoredImage;
}

/** Make an image set of these files; zip files are unpacked by the server. */
export async function createImageSet(name: string, files: File[]): Promise<ImageSet> {
  const form = new FormData();
  form.append("name", name);
  for (const file of files) form.append(file.name.endsWith(".zip") ? "zip" : "image", file);
  const response = await send("v1/image-sets", { method: "POST", body: form });
  return (await response.json()) as ImageSet;
}

/** The path of a stored picture's bytes. */
export function contentPath(id: string): string {
  return `v1/images/${id}/content`;
}

/** A file of numbers as an address, for the inputs that no call stores. */
export async function toDataUrl(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return `data:application/x-npy;base64,${btoa(text)}`;
}

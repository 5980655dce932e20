import type { Face, RetargetMap } from "./koemorph.js";

export interface Adapter {
  apply(weights: ArrayLike<number>): void;
}
export function threeAdapter(
  root: { traverse(callback: (object: any) => void): void },
  names: string[],
): Adapter & { matched: string[]; missing: string[] };
export function vrmAdapter(
  vrm: { expressionManager?: any },
  names: string[],
  map?: RetargetMap | null,
): Adapter & { perfectSync: boolean; matched: string[] };
export function callbackAdapter(
  names: string[],
  use: (values: Record<string, number>) => void,
): Adapter;
export function animate(face: Face, adapter: Adapter): () => void;

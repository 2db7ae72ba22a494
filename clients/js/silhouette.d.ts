/** Asks a Silhouette service for masks, cutouts and new backgrounds, from a browser or from Node 20. */

/** A `File` of an `<input>`, or bytes. */
export type Picture = Blob | ArrayBuffer | ArrayBufferView;

type PictureFormat = "png" | "webp" | "jpeg";
type Fit = "cover" | "contain" | "stretch" | "tile";

/** Points, boxes and strokes in pixels of the upright photo: as JSON, or what it stands for. */
type Hints = string | object;

/** Of every operation; the service's `/docs` describes them. */
export interface Options {
  model?: string;
  quality?: number;
  compression?: "fast" | "small";
  refine?: "auto" | "off" | "on";
  allow_empty?: boolean;
  hints?: Hints;
  keep_mask?: Picture;
  remove_mask?: Picture;
  matte?: Picture;
}

export interface SegmentOptions extends Options {
  format?: "png" | "webp" | "jpeg" | "json" | "npz" | "zip";
  output?: "labels" | "mask" | "masks" | "overlay" | "confidence" | "summary";
  classes?: string | string[];
  encoding?: "png" | "rle" | "polygons" | "simple-polygons" | "cvat" | "label-studio";
  opacity?: number;
  threshold?: number;
}

/** Of everything that separates a subject from its background. */
export interface EffectOptions extends Options {
  format?: PictureFormat;
  effort?: "fast" | "balanced" | "best";
  keep?: string | string[];
  shift_edge?: number;
  feather?: number;
}

export interface RemoveBackgroundOptions extends EffectOptions {
  decontaminate?: boolean;
  output?: "cutout" | "matte";
  crop?: boolean;
  margin?: string;
}

export interface ReplaceBackgroundOptions extends EffectOptions {
  decontaminate?: boolean;
  background?: Picture;
  color?: string;
  fit?: Fit;
  light_wrap?: number;
}

export interface BlurBackgroundOptions extends EffectOptions {
  strength?: number;
}

export interface ColorPopOptions extends EffectOptions {
  saturation?: number;
}

export interface ProductShotOptions extends EffectOptions {
  decontaminate?: boolean;
  preset?: "marketplace-white" | "marketplace-shadow" | "passport-35x45" | "passport-2x2" | "social-4x5" | "story-9x16";
  size?: string;
  aspect?: string;
  padding?: string;
  position?: string;
  scale?: number;
  upscale?: boolean;
  background?: Picture;
  color?: string;
  fit?: Fit;
  shadow?: "none" | "drop" | "contact";
  shadow_opacity?: number;
}

/** Of films, beside the options of their effect: `color`, `strength`, `keep`, `model` and the others. */
export interface VideoOptions {
  effect?: "remove-background" | "replace-background" | "blur-background" | "color-pop";
  format?: "webm" | "mov" | "mp4" | "zip" | "gif" | "webp";
  quality?: number;
  speed?: "fastest" | "balanced" | "smallest";
  smoothing?: number;
  background?: Picture;
  /** Of every frame, where the scene stands still. */
  matte?: Picture;
  [ofTheEffect: string]: unknown;
}

/** A film that the service works on, or has. */
export interface Job {
  readonly id: string;
  readonly state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** In frames; `total` is null as long as nobody knows. */
  readonly progress: { done: number; total: number | null };
  readonly failure: { code: string; detail: string } | null;
  readonly notes: Record<string, unknown>;
}

export interface OptionsOf {
  segment: SegmentOptions;
  "remove-background": RemoveBackgroundOptions;
  "replace-background": ReplaceBackgroundOptions;
  "blur-background": BlurBackgroundOptions;
  "color-pop": ColorPopOptions;
  "product-shot": ProductShotOptions;
}

/** What the service made of a picture: PNG, WebP, JPEG, JSON, NPZ or ZIP, as `mediaType` says. */
export class Result {
  readonly blob: Blob;
  readonly headers: Headers;
  readonly mediaType: string;
  /** Under which the service's log tells of it. */
  readonly requestId: string;
  /** Name and version of the network. */
  readonly model: string;
  /** Of the subject in the photo, in pixels; of effects, where there is one. */
  readonly box: { left: number; top: number; width: number; height: number } | null;
  bytes(): Promise<Uint8Array>;
  json(): Promise<any>;
}

/** No result. A busy service and a lost connection were asked again before, as long as the request could wait. */
export class SilhouetteError extends Error {
  /** Stable: what to match on. */
  readonly code: string;
  readonly detail: string;
  /** null where the service has not answered. */
  readonly status: number | null;
  readonly requestId: string;
  readonly retryAfterMs: number | null;
}
/** The request has to be changed. */
export class InputError extends SilhouetteError {}
/** There is no subject in the picture; `allow_empty: true` asks for the empty result. */
export class NoForeground extends InputError {}
/** The key is missing, unknown, or not good for this. */
export class AccessError extends SilhouetteError {}
/** The service has no room, or the key's quota is used up. */
export class Busy extends SilhouetteError {}
/** No answer within the time of the request. */
export class Late extends SilhouetteError {}
/** The service failed; its log has the cause under `requestId`. */
export class ServiceFault extends SilhouetteError {}
/** Nobody answered, or the connection was lost. */
export class ConnectionFailed extends SilhouetteError {}
/** A job has no result, and will have none. */
export class JobFailed extends SilhouetteError {}

/** For one call. `timeoutMs` is for all of it, asking again included. What `signal` is aborted with is thrown. */
export interface How {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export class Client {
  /** `timeoutMs` (60,000) is for each call, asking again included. */
  constructor(url?: string, defaults?: { key?: string; timeoutMs?: number });

  /** What every pixel shows: a label map, masks, an overlay or figures. */
  segment(image: Picture, options?: SegmentOptions, how?: How): Promise<Result>;
  /** The subject with straight alpha, or its matte. */
  removeBackground(image: Picture, options?: RemoveBackgroundOptions, how?: How): Promise<Result>;
  /** The subject over `background`, a picture, or `color`. */
  replaceBackground(image: Picture, options?: ReplaceBackgroundOptions, how?: How): Promise<Result>;
  /** The subject sharp, the rest blurred. */
  blurBackground(image: Picture, options?: BlurBackgroundOptions, how?: How): Promise<Result>;
  /** The subject in colour, the rest grey. */
  colorPop(image: Picture, options?: ColorPopOptions, how?: How): Promise<Result>;
  /** The subject on a clean page. */
  productShot(image: Picture, options?: ProductShotOptions, how?: How): Promise<Result>;

  /**
   * Yields the name and the result of each as they are done; of one that failed, its error. Pictures are taken as they
   * are needed, `concurrency` (4) at once; their names are those of pairs, else a file's own, else the number. Leaving
   * the loop aborts what runs.
   */
  batch<Operation extends keyof OptionsOf>(
    operation: Operation,
    pictures: Iterable<Picture | [string, Picture]> | AsyncIterable<Picture | [string, Picture]>,
    options?: OptionsOf[Operation],
    how?: { concurrency?: number; signal?: AbortSignal },
  ): AsyncGenerator<[string, Result | SilhouetteError], void>;

  /** A job that does it, which the service keeps whatever becomes of this page. */
  submit<Operation extends keyof OptionsOf>(
    operation: Operation,
    image: Picture,
    options?: OptionsOf[Operation],
    how?: How,
  ): Promise<Job>;
  /** An effect on every frame of a film, as a job. */
  sendVideo(film: Picture, options?: VideoOptions, how?: How): Promise<Job>;
  /** How far it is. */
  job(job: Job | string, how?: How): Promise<Job>;
  /** Until it is over, in whichever way; that may take hours. Asks every `pollMs` (500). */
  wait(job: Job | string, how?: How & { onProgress?: (job: Job) => void; pollMs?: number }): Promise<Job>;
  /** Of a job that is done. Throws JobFailed for one that has none. */
  jobResult(job: Job, how?: How): Promise<Result>;
  /** Ends it, or deletes its result. */
  cancel(job: Job | string, how?: How): Promise<Job>;

  /** The models that are served, as `GET /models` describes them. */
  models(how?: How): Promise<any[]>;
  /**
   * Has the service load a model of its store, or load it again where it has changed. Every worker has it then. Give a
   * large one a `timeoutMs` of minutes. For administrators: a key with the scope `admin`, or, while the service has no
   * keys, its own machine. The same holds for the other two.
   */
  loadModel(name: string, how?: How): Promise<any>;
  /** Nobody can ask for it any more; returns when those who had are answered, and its memory is given back. */
  unloadModel(name: string, how?: How): Promise<void>;
  /** A loaded one, which is meant from now on where a request names none. */
  setDefaultModel(name: string, how?: How): Promise<any>;
}

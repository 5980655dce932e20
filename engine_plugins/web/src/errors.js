/** An error with a short `code`, for example "invalid_model". */
export class KoeMorphError extends Error {
  constructor(message, code) {
    super(message);
    this.name = "KoeMorphError";
    this.code = code;
  }
}

package io.ballast.inference.torch;

/** A row whose prompt is computed, and the position that it feeds to the model next. */
final class SeatedRow {
  private final DecodeRow row;
  private int position;

  SeatedRow(DecodeRow row, int position) {
    this.row = row;
    this.position = position;
  }

  DecodeRow row() {
    return row;
  }

  /** The position of the token that is fed next. */
  int position() {
    return position;
  }

  /** The token that is fed next. */
  int token() {
    return row.tokenAt(position);
  }

  /** Whether a token is drawn after the one that is fed next; no: it was drawn before. */
  boolean draws() {
    return position == row.lastPosition();
  }

  /** Goes on to the next position. */
  void advance() {
    position++;
  }
}

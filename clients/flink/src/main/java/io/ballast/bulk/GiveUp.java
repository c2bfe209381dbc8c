package io.ballast.bulk;

/** What becomes of a batch that got no answer in all its attempts. */
enum GiveUp {
  /** The job stops; the same command goes on from the last checkpoint. */
  STOP,
  /** Its rows are written with typed failures, and the job goes on. */
  RECORD
}

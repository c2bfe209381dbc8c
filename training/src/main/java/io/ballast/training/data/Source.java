package io.ballast.training.data;

import java.time.Instant;
import java.util.Optional;

/**
 * Where a judgement comes from.
 *
 * @param row the line of its file, or its place in a log, from 1
 * @param user whose prompt it was; empty if the source does not say
 * @param annotator who judged; empty if the source does not say
 * @param time when somebody judged; empty if the source does not say
 * @param policyVersion what drew the completion, such as {@code java-tiny/1}; empty if the source
 *     does not say
 */
public record Source(
    long row, String user, String annotator, Optional<Instant> time, String policyVersion) {
  /** Of a source that knows neither time nor policy. */
  public Source(long row, String user, String annotator) {
    this(row, user, annotator, Optional.empty(), "");
  }
}

package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;

/** What one member said of one completion. */
public sealed interface MemberOutcome {
  /** Its score as the model gave it; whether it is finite is checked by whoever reads it. */
  record Raw(double score) implements MemberOutcome {}

  /** Why it has none: an error, or it came too late. */
  record Missing(ItemFault fault) implements MemberOutcome {}
}

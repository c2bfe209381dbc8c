package io.ballast.kit.call;

import java.time.Duration;

/** Where the time of one answer went; zero where a phase did not happen. */
public record PhaseTimes(
    Duration queue,
    Duration batchWait,
    Duration tokenise,
    Duration infer,
    Duration aggregate,
    Duration total) {}

package io.ballast.reward.component;

import io.ballast.kit.call.CallPatience;
import io.ballast.reward.core.ScoreCommand;

/**
 * One request, as its components see it.
 *
 * @param command the request
 * @param recipe the composite that judges it
 * @param patience how long its caller waits; over as soon as nobody needs an answer any more
 * @param tools what the process has for components
 */
public record Judging(ScoreCommand command, Recipe recipe, CallPatience patience, Tools tools) {}

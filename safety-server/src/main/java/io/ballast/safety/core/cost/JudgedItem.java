package io.ballast.safety.core.cost;

import io.ballast.kit.call.PromptCut;
import java.util.Optional;

/**
 * One item's cost and verdict.
 *
 * @param blocked whether the verdict is BLOCK
 * @param cut what the cost model did not see of the prompt; empty if it saw all of it
 */
public record JudgedItem(String itemId, Cost cost, boolean blocked, Optional<PromptCut> cut) {}

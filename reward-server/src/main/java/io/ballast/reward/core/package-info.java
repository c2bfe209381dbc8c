/**
 * Rewards from ensembles: validation, batching across callers, quorum and conservative aggregation.
 */
@NullMarked
package io.ballast.reward.core;

import org.jspecify.annotations.NullMarked;

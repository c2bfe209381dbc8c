/** What the adapters of the reward-server promise. */
@NullMarked
package io.ballast.reward.adapter;

import org.jspecify.annotations.NullMarked;

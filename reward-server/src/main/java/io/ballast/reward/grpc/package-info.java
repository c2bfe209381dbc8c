/** The reward API's edge: translates, delegates, answers. */
@NullMarked
package io.ballast.reward.grpc;

import org.jspecify.annotations.NullMarked;

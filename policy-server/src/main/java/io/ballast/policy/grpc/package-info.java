/** The policy-server's edge: translates, delegates, answers. */
@NullMarked
package io.ballast.policy.grpc;

import org.jspecify.annotations.NullMarked;

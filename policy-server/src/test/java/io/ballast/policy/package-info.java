/** What the policy-server does, seen through its gRPC API. */
@NullMarked
package io.ballast.policy;

import org.jspecify.annotations.NullMarked;

/** A whole policy-server in one test: real PostgreSQL and gRPC, fake models, peers and clocks. */
@NullMarked
package io.ballast.policy.testing;

import org.jspecify.annotations.NullMarked;

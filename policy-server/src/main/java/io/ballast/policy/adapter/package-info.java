/** The ports of the core, implemented: PostgreSQL, peers over gRPC, metrics, engines. */
@NullMarked
package io.ballast.policy.adapter;

import org.jspecify.annotations.NullMarked;

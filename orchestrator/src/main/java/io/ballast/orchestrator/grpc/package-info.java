/** The edge: translates, delegates, answers. */
@NullMarked
package io.ballast.orchestrator.grpc;

import org.jspecify.annotations.NullMarked;

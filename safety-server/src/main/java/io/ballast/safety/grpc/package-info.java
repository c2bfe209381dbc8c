/** The safety API's edge: translates, delegates, answers. */
@NullMarked
package io.ballast.safety.grpc;

import org.jspecify.annotations.NullMarked;

/**
 * The edge: replies, servers, channels to peers. The only place where a throwable becomes a status.
 */
@NullMarked
package io.ballast.kit.grpc;

import org.jspecify.annotations.NullMarked;

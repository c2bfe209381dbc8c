/**
 * The models of a process as a KServe v2 client sees them, in plain Java: servers implement {@link
 * io.ballast.kit.kserve.ServedModels}, and {@code kit.kserve.grpc} speaks the protocol.
 */
@NullMarked
package io.ballast.kit.kserve;

import org.jspecify.annotations.NullMarked;

/** KServe v2 on the wire: reads requests, asks the models, writes answers. */
@NullMarked
package io.ballast.kit.kserve.grpc;

import org.jspecify.annotations.NullMarked;

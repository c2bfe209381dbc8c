/** Whether the KServe v2 messages are wire-compatible. */
@NullMarked
package io.ballast.kserve.v2;

import org.jspecify.annotations.NullMarked;

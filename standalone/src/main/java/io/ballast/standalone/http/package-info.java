/** Puts on this process's HTTP port what its servers answer there. */
@NullMarked
package io.ballast.standalone.http;

import org.jspecify.annotations.NullMarked;

/** What a process gives to the servers in it. */
@NullMarked
package io.ballast.kit.runtime;

import org.jspecify.annotations.NullMarked;

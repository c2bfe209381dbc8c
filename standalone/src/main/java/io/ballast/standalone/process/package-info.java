/** A process of the mesh: the servers of its roles on one port, what they share, and their end. */
@NullMarked
package io.ballast.standalone.process;

import org.jspecify.annotations.NullMarked;

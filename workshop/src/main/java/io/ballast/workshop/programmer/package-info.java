/**
 * The simulated programmer: real positions in real files, and the truth about every suggestion.
 * Nothing else in the mesh may look at that truth.
 */
@NullMarked
package io.ballast.workshop.programmer;

import org.jspecify.annotations.NullMarked;

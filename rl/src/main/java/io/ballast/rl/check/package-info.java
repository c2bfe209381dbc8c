/**
 * Arguments refused by name: every public function of this library states its ranges and checks
 * them here.
 */
@NullMarked
package io.ballast.rl.check;

import org.jspecify.annotations.NullMarked;

/** Ensembles in model folders, scored by ONNX Runtime. */
@NullMarked
package io.ballast.reward.adapter;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.ballast.reward.http;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>A switch cannot be what it is asked to be.</summary>
/// <param name="message">One sentence: what, where, the way out.</param>
/// <param name="inner">What led to it, or null.</param>
public sealed class SwitchException(string message, Exception? inner = null) : TomboloException(message, inner);

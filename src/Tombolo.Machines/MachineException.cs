// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>A machine cannot be started, controlled or ended. The message is one sentence: which machine, what, the value, the way out.</summary>
/// <param name="message">The sentence.</param>
/// <param name="inner">What caused it, or null.</param>
public sealed class MachineException(string message, Exception? inner = null) : TomboloException(message, inner);

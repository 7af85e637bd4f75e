// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Wire;

/// <summary>A peer broke the protocol: it ends that peer's session, and nothing else.</summary>
/// <param name="fault">What was wrong.</param>
/// <param name="message">One sentence: who, what, the value and the limit.</param>
public sealed class ProtocolException(WireFault fault, string message) : TomboloException(message)
{
    /// <summary>What was wrong.</summary>
    public WireFault Fault { get; } = fault;
}

// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>The state of a switch at one moment.</summary>
/// <param name="Ports">Its ports, by name.</param>
/// <param name="Topologies">Who may talk to whom.</param>
/// <param name="Learned">Addresses that were learned: where, and how long ago they were heard.</param>
public sealed record SwitchSnapshot(IReadOnlyList<PortSnapshot> Ports, IReadOnlyList<TopologyOptions> Topologies, IReadOnlyList<LearnedMac> Learned);

/// <summary>An address that was learned.</summary>
/// <param name="Mac">The address.</param>
/// <param name="Port">Behind which port.</param>
/// <param name="Age">How long ago it was last noted.</param>
public readonly record struct LearnedMac(MacAddress Mac, string Port, TimeSpan Age);

/// <summary>One port at one moment.</summary>
/// <param name="Options">Its settings.</param>
/// <param name="ProcessId">The front end's process; null where none is attached.</param>
/// <param name="IsUp">Whether a driver is there and takes frames.</param>
/// <param name="Features">What was agreed on.</param>
/// <param name="Rings">How many rings run.</param>
/// <param name="Fault">Why it is stopped, where its driver lied; null else.</param>
/// <param name="LastEnd">Why its last session ended; null where none has.</param>
/// <param name="Counters">What was counted, by <see cref="PortCounter"/>.</param>
public sealed record PortSnapshot(PortOptions Options, int? ProcessId, bool IsUp, VirtioFeatures Features, int Rings, string? Fault, string? LastEnd, IReadOnlyList<long> Counters)
{
    /// <summary>What its front end asked for in vain, last, and why; null where nothing was, or none is attached.</summary>
    public string? Refusal { get; init; }

    /// <summary>One counter.</summary>
    /// <param name="counter">Which.</param>
    public long this[PortCounter counter] => Counters[(int)counter];

    /// <summary>All frames lost, whatever the reason.</summary>
    public long Lost => Counters.Skip((int)PortCounter.Malformed).Sum();
}

// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>What a port leads to, where it is no guest with a vhost-user front end. Immutable.</summary>
public abstract record UplinkOptions
{
    private protected UplinkOptions() { }

    internal abstract bool HasSocket { get; }

    internal virtual IEnumerable<string> Problems() => [];
}

/// <summary>A network interface of this host: a tap. Needs CAP_NET_ADMIN where the tap is.</summary>
public sealed record TapUplink : UplinkOptions
{
    /// <summary>The interface's name.</summary>
    public required string Device { get; init; }

    /// <summary>The file of the network namespace in which it is (<c>/run/netns/NAME</c>); null for the process's own.</summary>
    public string? NetworkNamespace { get; init; }

    internal override bool HasSocket => false;

    internal override IEnumerable<string> Problems()
    {
        if (Encoding.UTF8.GetByteCount(Device) is 0 or > TapDevice.MaxNameBytes) yield return $"The tap '{Device}' has no name of 1 to {TapDevice.MaxNameBytes} bytes.";
    }
}

/// <summary>Another program's UNIX stream socket, at <see cref="PortOptions.SocketPath"/>: passt, or QEMU's <c>-netdev stream</c>. Each frame goes behind its length, four bytes, the highest first.</summary>
public sealed record StreamUplink : UplinkOptions
{
    internal override bool HasSocket => true;
}

/// <summary>A file: its frames are sent as if by a guest, and what comes for the port is recorded.</summary>
public sealed record PcapUplink : UplinkOptions
{
    /// <summary>A pcap or pcapng file whose frames are sent; null for none.</summary>
    public string? Replay { get; init; }

    /// <summary>How much faster than it was recorded; 0: as fast as they are taken. Default 1.</summary>
    public double Speed { get; init; } = 1;

    /// <summary>A pcapng file that is written anew with what comes; null for none.</summary>
    public string? Record { get; init; }

    internal override bool HasSocket => false;

    internal override IEnumerable<string> Problems()
    {
        if (Replay is null && Record is null) yield return "A pcap uplink replays a file, records one, or both; it does neither.";
        if (!(Speed >= 0)) yield return $"Speed is {Speed}; it must be 0 (as fast as can be) or more.";
    }
}

// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>How a port is reached: its socket, and the session there is. Belongs to the control loop.</summary>
internal sealed class PortConnection(Port port) : IDisposable
{
    public Port Port => port;

    /// <summary>The same, where it has a front end.</summary>
    public VhostPort? Vhost => port as VhostPort;

    /// <summary>The far end of a pcap uplink.</summary>
    public PcapPlayer? Player { get; set; }

    /// <summary>Where we listen; null where we connect.</summary>
    public SafeFd? Listener { get; set; }

    /// <summary>The right to the path; freed by the kernel when we die.</summary>
    public FileLock? Claim { get; set; }

    public VhostSession? Session { get; set; }

    public ulong ListenerToken { get; set; }

    public ulong SessionToken { get; set; }

    /// <summary>When to connect again, as a timestamp; null: not now.</summary>
    public long? ConnectAt { get; set; }

    public string? LastEnd { get; set; }

    /// <summary>What the present session asked for in vain, last.</summary>
    public string? Refusal { get; set; }

    /// <summary>The data thread and token of each ring that runs, by its index.</summary>
    public Dictionary<int, (DataThread Thread, ulong Token)> Pollers { get; } = [];

    public void Dispose()
    {
        Session?.Dispose();
        Player?.Dispose();
        if (Listener is not null) File.Delete(port.Options.SocketPath);
        Listener?.Dispose();
        Claim?.Dispose();
    }
}

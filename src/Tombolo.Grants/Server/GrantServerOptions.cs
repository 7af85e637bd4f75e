// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Settings of a <see cref="GrantServer"/>. Immutable; change with <c>with</c>.</summary>
public sealed record GrantServerOptions
{
    /// <summary>Where processes connect. At most 107 bytes.</summary>
    public required string SocketPath { get; init; }
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Group of the socket file; null leaves it.</summary>
    public uint? SocketGroup { get; init; }
    /// <summary>Which domain a process is, by its credentials and what it asks to be (null: whatever it is given); null refuses it. Default: what it asks for, else domain 0: the socket's mode says who may connect.</summary>
    public Func<PeerCredentials, DomainId?, DomainId?> Identify { get; init; } = static (_, wish) => wish ?? DomainId.Privileged;
    /// <summary>How many processes there may be at once, 1..65536. Default 1024.</summary>
    public int MaxProcesses { get; init; } = 1024;
    /// <summary>How long a process may take, once it is connected, to say who it is. Default 5 s.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>What each domain may have.</summary>
    public GrantQuotas Quotas { get; init; } = new();
    /// <summary>
    /// After a start in the place of a server that was killed: how long to wait for the processes that it had, at the most; until they have come back, nobody is told that something is not there. Default 10 s.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>What lists show beside what this server hands over, such as the windows of guests; called on the server's loop. Default nothing.</summary>
    public Func<GrantSnapshot> Beside { get; init; } = static () => new([], [], []);
    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        int bytes = Encoding.UTF8.GetByteCount(SocketPath);
        if (bytes is 0 or > UnixSocket.MaxPathBytes) yield return $"SocketPath is {bytes} bytes long; a UNIX socket's path has 1 to {UnixSocket.MaxPathBytes} bytes.";
        if (MaxProcesses is < 1 or > 65536) yield return $"MaxProcesses is {MaxProcesses}; it must be 1..65536.";
        if (HelloTimeout <= TimeSpan.Zero || HelloTimeout > TimeSpan.FromHours(1)) yield return $"HelloTimeout is {HelloTimeout}; it must be more than 0 and at most 1 hour.";
        if (Grace < TimeSpan.Zero || Grace > TimeSpan.FromMinutes(1)) yield return $"Grace is {Grace}; it must be 0 to 1 minute.";
        foreach (string problem in Quotas.Problems()) yield return problem;
    }
}

/// <summary>Who wants to know which domains are there: the store, for its <see cref="StorePath.IntroduceDomain"/> and <see cref="StorePath.ReleaseDomain"/>. Called on the server's loop; must not block.</summary>
public interface IGrantObserver
{
    /// <summary>The first process of a domain is there.</summary>
    /// <param name="domain">The domain.</param>
    void DomainCame(DomainId domain);

    /// <summary>The last process of a domain is gone.</summary>
    /// <param name="domain">The domain.</param>
    void DomainWent(DomainId domain);

    /// <summary>After a start in the place of a killed server, everybody who is still there has come back: all other domains are gone.</summary>
    /// <param name="present">Those that are there.</param>
    void Settled(IReadOnlyList<DomainId> present);
}

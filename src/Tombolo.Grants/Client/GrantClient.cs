// SPDX-License-Identifier: MIT
namespace Tombolo.Grants;

/// <summary>Stands as a domain among the processes of a host, at a <see cref="GrantServer"/>.</summary>
public static class GrantClient
{
    /// <summary>Joins.</summary>
    /// <param name="options">Where, and as whom.</param>
    /// <returns>The standing, which the caller owns. It outlives the server's death: it tells the next one what stands.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.BadDomain"/>: not as this domain; <see cref="GrantFault.Lost"/>: nobody serves there.</exception>
    public static IDomain Connect(GrantClientOptions options)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        SocketService service = new(options);
        return new HostDomain(service.Domain, service);
    }

    /// <summary>What there is at a server: everything for domain 0, what concerns it for another one.</summary>
    /// <param name="options">Where, and as whom to ask.</param>
    /// <exception cref="GrantException">As <see cref="Connect"/>.</exception>
    public static (IReadOnlyList<GrantInfo> Grants, IReadOnlyList<PortInfo> Ports) List(GrantClientOptions options)
    {
        using SocketService service = new(options);
        return service.List();
    }
}

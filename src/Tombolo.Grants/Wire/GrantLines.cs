// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>The lines of a list: what a grant or a port is, in words with single spaces between them; the process, which may have spaces, last.</summary>
internal static class GrantLines
{
    public static string Of(GrantInfo grant) => string.Create(CultureInfo.InvariantCulture,
        $"grant {grant.From} {grant.First} {grant.Pages} {grant.To} {(grant.IsReadOnly ? "r" : "w")} {grant.Mappings} {(grant.IsRevoked ? "revoked" : "open")} {grant.Who}");

    public static string Of(PortInfo port) => string.Create(CultureInfo.InvariantCulture, $"port {port.Domain} {port.Port} {port.Remote} {port.RemotePort?.Value ?? 0} {port.Who}");

    public static bool TryRead(string line, List<GrantInfo> grants, List<PortInfo> ports)
    {
        switch (line.Split(' ', 9))
        {
            case ["grant", var from, var first, var pages, var to, var right and ("r" or "w"), var mappings, var state and ("open" or "revoked"), var who]
                when Number(from, DomainId.Highest, out uint domain) && Number(first, uint.MaxValue, out uint reference) && Number(pages, int.MaxValue, out uint count)
                && Number(to, DomainId.Highest, out uint mapper) && Number(mappings, int.MaxValue, out uint mapped):
                grants.Add(new(new((ushort)domain), new(reference), (int)count, new((ushort)mapper), right == "r", (int)mapped, state == "revoked", who));
                return true;
        }
        switch (line.Split(' ', 6))
        {
            case ["port", var owner, var port, var remote, var bound, var who]
                when Number(owner, DomainId.Highest, out uint domain) && Number(port, uint.MaxValue, out uint number) && Number(remote, DomainId.Highest, out uint other) && Number(bound, uint.MaxValue, out uint peer):
                ports.Add(new(new((ushort)domain), new(number), new((ushort)other), peer == 0 ? null : new(peer), who));
                return true;
        }
        return false;
    }

    private static bool Number(string text, uint most, out uint value) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= most;
}

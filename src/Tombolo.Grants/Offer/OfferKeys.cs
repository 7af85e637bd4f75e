// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>The keys of an offer in the store, made in advance and open to both sides: each holds a decimal number, 0 at first.</summary>
/// <param name="Path">The node above the keys.</param>
/// <remarks>Source: docs/specs/grants.md, "Offer and accept".</remarks>
public sealed record OfferKeys(string Path = OfferKeys.DefaultPath)
{
    /// <summary>Where the keys are if nobody says otherwise.</summary>
    public const string DefaultPath = "/unikernel/random";

    /// <summary>Every key's name, in the order of the protocol.</summary>
    public static IReadOnlyList<string> Names { get; } = ["server_id", "client_id", "gnt_ref", "msg_len", "evt_chn_port", "client_local_port"];

    /// <summary>The server's domain.</summary>
    public string ServerId => $"{Path}/server_id";
    /// <summary>The client's domain, until the server has seen it.</summary>
    public string ClientId => $"{Path}/client_id";
    /// <summary>The page's reference, until the client has seen it.</summary>
    public string Reference => $"{Path}/gnt_ref";
    /// <summary>How many bytes of a message are in the page; 0: it was taken.</summary>
    public string MessageLength => $"{Path}/msg_len";
    /// <summary>The server's port, for the client to bind to.</summary>
    public string Port => $"{Path}/evt_chn_port";
    /// <summary>The client's port.</summary>
    public string ClientPort => $"{Path}/client_local_port";

    /// <summary>Makes the keys that are missing, each 0 and open to everybody; those that are there stay.</summary>
    /// <param name="store">A client of a domain that may make them.</param>
    public Task MakeAsync(StoreClient store) => store.TransactAsync(async all =>
    {
        if (await all.ReadBytesAsync(Path) is null)
        {
            await all.MakeDirectoryAsync(Path);
            await all.SetPermissionsAsync(Path, StorePermissions.Parse("b0"));
        }
        foreach (string key in Names.Select(name => $"{Path}/{name}"))
            if (await all.ReadBytesAsync(key) is null)
            {
                await all.WriteAsync(key, "0");
                await all.SetPermissionsAsync(key, StorePermissions.Parse("b0"));
            }
    });

    internal static async ValueTask<uint> ReadAsync(StoreReader store, string key)
    {
        string text = await store.ReadAsync(key) ?? throw new GrantException(GrantFault.Lost, $"There is no key '{key}' in the store; make the keys of the offer first, with xenstore-write for instance.");
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value : 0;   // what is no number is nothing yet
    }

    internal static ValueTask WriteAsync(StoreReader store, string key, uint value) => store.WriteAsync(key, value.ToString(CultureInfo.InvariantCulture));
}

// SPDX-License-Identifier: MIT
namespace Tombolo.Grants;

/// <summary>The device nodes of tombolo_grant.ko for one ivshmem device. Immutable.</summary>
/// <param name="Alloc">Pages of one's own; takes the place of Xen's <c>gntalloc</c>.</param>
/// <param name="Map">Others' pages: <c>gntdev</c>.</param>
/// <param name="Events">Event channels: <c>evtchn</c>.</param>
/// <param name="Store">The store: <c>xenbus</c>.</param>
public sealed record GrantDevices(string Alloc, string Map, string Events, string Store)
{
    private const string Folder = "/dev", Prefix = "tombolo_gntalloc_";

    /// <summary>Those of one ivshmem device.</summary>
    /// <param name="address">Its bus and slot, as in <c>0002</c>: what stands behind the last underscore of the nodes.</param>
    public static GrantDevices At(string address) => new($"{Folder}/{Prefix}{address}", $"{Folder}/tombolo_gntdev_{address}", $"{Folder}/tombolo_evtchn_{address}", $"{Folder}/tombolo_xenbus_{address}");

    /// <summary>Those that this system has.</summary>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="GrantException">There are several; name one (<see cref="At"/>).</exception>
    public static GrantDevices? Find()
    {
        string[] found = [.. Directory.EnumerateFiles(Folder, Prefix + "*").Order(StringComparer.Ordinal)];
        return found.Length switch
        {
            0 => null,
            1 => At(Path.GetFileName(found[0])[Prefix.Length..]),
            _ => throw new GrantException(GrantFault.BadDomain, $"There are several windows with grants ({string.Join(", ", found)}); say which."),
        };
    }
}

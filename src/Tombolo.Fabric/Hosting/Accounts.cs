// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Fabric;

/// <summary>Turns names of users and groups into numbers. Source: passwd(5), group(5); other name services are not asked.</summary>
internal static class Accounts
{
    public static uint User(string name, string what) => Find("/etc/passwd", name) ?? throw new FabricException($"{what} names user '{name}', who does not exist on this host; use a number, or add the user.");

    public static uint Group(string name, string what) => Find("/etc/group", name) ?? throw new FabricException($"{what} names group '{name}', which does not exist on this host; use a number, or add the group.");

    /// <summary>The number of a name in a file of lines "name:x:number:…"; a number stands for itself.</summary>
    public static uint? Find(string path, string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)) return number;
        if (!File.Exists(path)) return null;
        foreach (string line in File.ReadLines(path))
            if (line.Split(':') is [var known, _, var digits, ..] && known == name && uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out uint found)) return found;
        return null;
    }
}

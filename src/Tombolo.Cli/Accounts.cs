// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Output;

namespace Tombolo.Cli;

/// <summary>Users and groups by name. Source: passwd(5), group(5); other account services give numbers.</summary>
internal static class Accounts
{
    /// <summary>A user's number.</summary>
    /// <param name="nameOrNumber">As the user wrote it.</param>
    /// <exception cref="CommandException">There is no such user.</exception>
    public static uint UserId(string nameOrNumber) => Find(nameOrNumber, "/etc/passwd", "user");

    /// <summary>A group's number.</summary>
    /// <param name="nameOrNumber">As the user wrote it.</param>
    /// <exception cref="CommandException">There is no such group.</exception>
    public static uint GroupId(string nameOrNumber) => Find(nameOrNumber, "/etc/group", "group");

    private static uint Find(string wanted, string file, string kind)
    {
        if (uint.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)) return number;
        foreach (string line in File.ReadLines(file))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && fields[0] == wanted && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out number)) return number;
        }
        throw new CommandException($"There is no {kind} '{Printable.Text(wanted)}' in {file}; give its number if another service knows it", ExitCode.WrongUse);
    }
}

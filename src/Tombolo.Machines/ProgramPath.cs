// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>Finds programs.</summary>
public static class ProgramPath
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Looks a program up as a shell would.</summary>
    /// <param name="name">A name to look for in PATH, or a path.</param>
    /// <returns>The program's path, or null where there is none.</returns>
    public static string? Find(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal)) return IsProgram(name) ? Path.GetFullPath(name) : null;
        string folders = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        return folders.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsProgram);
    }

    private static bool IsProgram(string path) => File.Exists(path) && (File.GetUnixFileMode(path) & AnyExecute) != 0;
}

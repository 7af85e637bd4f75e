// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>A daemon's side of being started: it reports to the command that started it, and then belongs to nobody.</summary>
/// <remarks>
/// A .NET process cannot fork, so the command starts a program, with pipes on its three standard streams and <see cref="Mark"/> in its environment. The program leads a session of its own, does
/// whatever can go wrong, and then either writes <see cref="Ready"/> on standard output and lets go of its streams, or complains on standard error and ends.
/// The command waits for the one or the other; a program that dies in between closes the pipes, so it is never waited for in vain.
/// </remarks>
public static class DetachedStart
{
    /// <summary>The environment variable, set to 1, of a program that is to report.</summary>
    public const string Mark = "TOMBOLO_DETACHED";

    /// <summary>The line that says that all is well.</summary>
    public const string Ready = "ready";

    /// <summary>Whether somebody waits for a report. If so, this process leads a session of its own from now on.</summary>
    /// <remarks>Call it once, first of all. Its own children do not inherit the mark.</remarks>
    public static bool Begin()
    {
        if (Environment.GetEnvironmentVariable(Mark) is not "1") return false;
        Environment.SetEnvironmentVariable(Mark, null);
        LinuxProcess.StartSession();
        return true;
    }

    /// <summary>Says that all is well, and points the standard streams at /dev/null.</summary>
    /// <exception cref="LinuxException">/dev/null cannot be opened.</exception>
    public static void ReportReady()
    {
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        StandardStreams.Silence();
    }
}

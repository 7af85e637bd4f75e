// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Processes;

/// <summary>A file that holds this process's number for as long as it runs.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string _path;
    private readonly string _text = $"{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\n";

    /// <summary>Writes the file, over one that is there.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public PidFile(string path)
    {
        _path = path;
        try { File.WriteAllText(path, _text); }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"The pid file '{path}' cannot be written ({exception.Message}); choose another with -p, or stay in the foreground with -F");
        }
    }

    /// <summary>Removes the file, unless somebody else has written theirs over it.</summary>
    public void Dispose()
    {
        try
        {
            if (File.ReadAllText(_path) == _text) File.Delete(_path);
        }
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
    }
}
